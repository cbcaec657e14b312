"""``python -m coterie``: the same commands as ``coterie``."""

from coterie.cli import app

if __name__ == "__main__":
    app(prog_name="coterie")
