"""The folders of the suite: unit, integration, security…; what is below them mirrors the code."""


def folder_of(nodeid: str) -> str:
    """Return the folder of a test, from its id or from the path of its module; an empty text if it is in none."""
    folders = nodeid.partition("::")[0].split("/")[:-1]
    return next((name for name in folders if name != "tests"), "")
