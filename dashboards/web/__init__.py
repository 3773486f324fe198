"""The built-in web view: read-only pages and a JSON API over the store; nothing comes from another site."""

from dashboards.web.app import create_app

__all__ = ["create_app"]
