"""The encode of one planned clip: segments at constant quality, the sum closed to the size, settled if need be."""

from __future__ import annotations

from tightfit.domain.pieces import Variant
from tightfit.engine.few_segments import encode_few
from tightfit.engine.fit_state import FitState, StartOver
from tightfit.engine.many_segments import encode_many
from tightfit.engine.settling import settled


class Fit(FitState):
    """``FitState`` at work."""

    async def run(self) -> tuple[Variant, ...]:
        """Encode and settle: the variants of the file that ``sizer`` wrote last, at most ``limit`` bytes.

        Raises EncoderError where ffmpeg keeps failing, InfeasibleError where no bounded effort gets under the limit.
        """
        self.recall()
        if self.whole is not None:
            self.on_settle(self.sizer(self.current()))
            return self.current()
        while True:
            try:
                await (encode_few(self) if self.are_few else encode_many(self))
                return await settled(self)
            except StartOver:
                self.restarts += 1
                self.tried.clear()
                self.by_cloud.clear()
                self.running.clear()
                self.closing_seen = None
                self.misses.clear()
                self.memory.restarted(self.choice, self.model.seen, self.restarts)
