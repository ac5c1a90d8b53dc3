"""`python -m remedyd` is `remedyd`."""

from remedyd.cli.main import main

if __name__ == "__main__":
    main()
