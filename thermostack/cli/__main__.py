"""Entry point of `python -m thermostack.cli`, the same as the installed script `thermostack`."""

from thermostack.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
