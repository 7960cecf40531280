import sys

from tightfit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
