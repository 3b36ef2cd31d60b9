"""Adapters behind the ports. The core never imports them; entry points name them."""
