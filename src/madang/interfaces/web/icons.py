"""Icons: 24-unit line drawings, 1.75 stroke, always beside a word. Drawn for Madang."""

from __future__ import annotations

from markupsafe import Markup

_PATHS = {
    "mission": '<circle cx="12" cy="12" r="9"/><circle cx="12" cy="12" r="5"/><circle cx="12" cy="12" r="1"/>',
    "asset": '<ellipse cx="12" cy="5.5" rx="8" ry="2.5"/><path d="M4 5.5v13c0 1.4 3.6 2.5 8 2.5s8-1.1 8-2.5v-13"/>'
    '<path d="M4 12c0 1.4 3.6 2.5 8 2.5s8-1.1 8-2.5"/>',
    "run": '<path d="M7 4.5v15l12-7.5z"/>',
    "deposit": '<path d="M12 3l8 4.5v9L12 21l-8-4.5v-9z"/><path d="M4.2 7.6L12 12l7.8-4.4M12 12v9"/>',
    "check": '<path d="M12 3l7.5 3v5.5c0 4.4-3 8-7.5 9.5-4.500-1.500-7.500-5.100-7.500-9.500V6z"/>'
    '<path d="M8.700 12l2.300 2.300 4.400-4.600"/>',
    "pool": '<path d="M12 3.500l9 4.500-9 4.500L3 8z"/><path d="M3 12.200l9 4.500 9-4.500M3 16.400l9 4.500 9-4.500"/>',
    "model": '<circle cx="12" cy="6" r="3"/><circle cx="6" cy="17" r="3"/><circle cx="18" cy="17" r="3"/>'
    '<path d="M10.600 8.700L7.400 14.300M13.400 8.700l3.200 5.600M9 17h6"/>',
    "score": '<path d="M7 4h10v5a5 5 0 0 1-10 0z"/><path d="M7 5.500H4c0 3 1.200 4.500 3.300 4.500M17 5.500h3c0 3-1.200'
    ' 4.500-3.300 4.500M12 14v4M8.500 20.500h7"/>',
    "organization": '<path d="M4 21V9l8-5 8 5v12M9 21v-6h6v6M3 21h18"/>',
    "agreement": '<path d="M6 3h9l4 4v14H6z"/><path d="M14.500 3v4.500H19M9 12h7M9 15.500h4"/>',
    "compute": '<rect x="6" y="6" width="12" height="12" rx="1.500"/><path d="M10 10h4v4h-4zM9 3v3M15 3v3M9 18v3M15 18v3'
    'M3 9h3M3 15h3M18 9h3M18 15h3"/>',
    "ledger": '<path d="M5 4h14v16H5z"/><path d="M9 4v16M12 9h4M12 13h4"/>',
    "search": '<circle cx="11" cy="11" r="6.500"/><path d="M16 16l4.500 4.500"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.500 2"/>',
    "warn": '<path d="M12 4l9 16H3z"/><path d="M12 10v4.500M12 17.200v.3"/>',
    "bad": '<circle cx="12" cy="12" r="9"/><path d="M8.800 8.800l6.400 6.400M15.200 8.800l-6.400 6.400"/>',
    "good": '<circle cx="12" cy="12" r="9"/><path d="M8 12.300l2.800 2.700 5.200-5.500"/>',
    "live": '<circle cx="12" cy="12" r="4"/>',
    "theme": '<path d="M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.500 20.500c1-4 4-6 7.500-6s6.500 2 7.500 6"/>',
    "key": '<circle cx="8" cy="15" r="4.500"/><path d="M11.200 11.800L20 3M16 7l3 3"/>',
}


def icon(name: str) -> Markup:
    """An icon as inline SVG, hidden from screen readers (the word beside it says it)."""
    return Markup(  # noqa: S704  (constant drawings)
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{_PATHS[name]}</svg>'
    )
