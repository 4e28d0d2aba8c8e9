"""What an app says of itself: the manifest's model, its loader, its checks and its owner's options."""
