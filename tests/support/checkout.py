"""Where things are in the checkout, however deep the folder of a test is."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCE = CHECKOUT / "src"
APPS = CHECKOUT / "apps"
TESTS = CHECKOUT / "tests"
FIXTURES = TESTS / "fixtures"
