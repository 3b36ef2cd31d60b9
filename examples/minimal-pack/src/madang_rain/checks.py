"""A format and its check: ``rain.txt`` holds a day's millimetres a line."""

from madang.assets.model import Finding

FILE = "rain.txt"


class RainChecker:
    """Implements ``madang.assets.checking.Checker``."""

    examine = "madang_rain.checks:examine"

    def recognizes(self, paths):
        return FILE in paths

    def compare(self, profile, others):
        """Profiles of the other contributors: owner -> list. None would mean: wait for more of them."""
        means = [one["mean_mm"] for profiles in others.values() for one in profiles]
        if means and profile["mean_mm"] > 10 * max(means):
            evidence = {"mean_mm": profile["mean_mm"], "others_mm": max(means)}
            return [Finding("rain-unit", "block", FILE, evidence)]
        return []


CHECKER = RainChecker()


def examine(folder):
    """Runs in the sandbox, over a stranger's files; what it returns is all that comes out."""
    try:
        days = [float(line) for line in (folder / FILE).read_text("utf-8").split()]
    except ValueError as error:
        row = ["rain-broken", "block", FILE, {"reason": str(error)[:100]}]
        return {"findings": [row], "profile": {}, "facts": {}}
    mean = round(sum(days) / max(1, len(days)), 3)
    return {"findings": [], "profile": {"mean_mm": mean}, "facts": {"days": len(days), "mean_mm": mean}}
