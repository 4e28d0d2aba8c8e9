"""From a catalog, what is installed and a request to a plan: the search, its checks and its reasons. Pure."""
