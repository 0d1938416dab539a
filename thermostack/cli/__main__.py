"""`python -m thermostack.cli`: the command line without the installed script."""

from thermostack.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
