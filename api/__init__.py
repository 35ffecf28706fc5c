"""The API's document: put together from its parts, checked, and rendered as a page."""
