"""The labels by which the node finds its containers again: those that all earlier versions gave them."""

from archipelago.container.podman_client import labels


def test_labels_stay_what_they_are() -> None:
    # Literally: a container whose labels have other names is none of the node's any more, and keeps its name and ports.
    assert {name: value for name, value in vars(labels).items() if name.isupper()} == {
        "NODE": "io.archipelago.node",
        "APP": "io.archipelago.app",
        "CONTAINER": "io.archipelago.container",
        "HASH": "io.archipelago.hash",
        "PLACE": "io.archipelago.place",
        "BUILD": "io.archipelago.build",
        "REPAIR": "io.archipelago.repair",
        "TRIAL": "io.archipelago.trial",
    }
