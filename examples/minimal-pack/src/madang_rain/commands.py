"""``madang rain``: commands are Cyclopts apps."""

from pathlib import Path

from cyclopts import App

app = App(name="rain", help="Rainfall: write an example data set.")


@app.command
def example(folder: Path, *, days: int = 30):
    """Write an example data set.

    Example: madang rain example ./rain
    """
    folder.mkdir()
    (folder / "rain.txt").write_text("".join(f"{day % 7}\n" for day in range(days)))
    print(folder)
