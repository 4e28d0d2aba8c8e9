"""Sends what needs the owner to where the owner is: by ntfy, e-mail or a webhook."""
