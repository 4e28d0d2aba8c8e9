"""What is wrong with a text, at its line and column."""

from collections.abc import Iterator

from archipelago.container.manifest.yaml.problems import ManifestProblem, PathProblem
from archipelago.container.manifest.yaml.reader import Reading
from archipelago.container.manifest.yaml.tree import Node, dotted, position_of


def yaml_problems(reading: Reading, source: str) -> Iterator[ManifestProblem]:
    """Yield what is wrong with a text as YAML; `source` names the text."""
    for found in reading.problems:
        yield ManifestProblem(source, found.position.line, found.position.column, "", found.message, found.expected)


def placed(finding: PathProblem, root: Node, source: str) -> ManifestProblem:
    """Return a finding as a problem at its place in the text of which `root` is the tree."""
    position = position_of(root, finding.path, at_key=finding.at_key)
    where = dotted(finding.path)
    return ManifestProblem(
        source, position.line, position.column, where, finding.message, finding.expected, finding.hint
    )
