"""`python -m remedyd` is `remedyd`."""

from remedyd.doorstep import main

if __name__ == "__main__":
    main()
