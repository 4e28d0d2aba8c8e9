"""What operations change of the installed apps, in one turn each."""
