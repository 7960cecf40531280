"""Installs the tools, each in an environment of its own under .peers/: ``python -m benchmarks.peers.install``.

One ffmpeg for all: .peers/bin/ffmpeg is the one that tightfit uses, so that what differs is the tools. HandBrakeCLI,
which has its own encoder, is used where the system has it.
"""

from __future__ import annotations

import subprocess
import sys

import imageio_ffmpeg

from benchmarks.peers.tools import HOME, PACKAGES, TOOLS


def main() -> None:
    (HOME / "bin").mkdir(parents=True, exist_ok=True)
    link = HOME / "bin" / "ffmpeg"
    link.unlink(missing_ok=True)
    link.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    for name, (version, _) in PACKAGES.items():
        if TOOLS[name].version() != version:
            subprocess.run([sys.executable, "-m", "venv", str(HOME / name)], check=True)
            pip = [str(HOME / name / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, f"{name}=={version}"], check=False)
            if done.returncode:
                print(f"{name} {version} could not be installed; the benchmark says so of each of its cases")
    for name, tool in TOOLS.items():
        print(f"{name}: {tool.version() or 'not installed'}")


if __name__ == "__main__":
    main()
