"""`python -m archipelago.cli` is the `archipelago` command."""

from archipelago.cli.main import main

if __name__ == "__main__":
    main()
