"""Whether a server can read what a product publishes about itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from .connector_probe import Probe
from .connector_products import Connector
from .known_documents import DOCUMENTS


def check_document(probe: Probe, address: str, connector: Connector) -> str:
    """Open the page of consent as a product does that names its document. It may be offline."""
    page = probe.send("GET", address)
    host = urlsplit(connector.document).netloc
    if page.status_code == 200 and connector.document in DOCUMENTS:
        return f"The server knows the document of {connector.title}."
    if page.status_code == 200:
        return f"The server has read the document of {connector.title}."
    probe.note(
        f"The server could not read {connector.document}, by which {connector.title} describes "
        "itself.",
        f"Let it reach {host} by HTTPS, or set OPENMEMORY_OAUTH_DOCUMENTS=0: then "
        f"{connector.title} registers instead.",
    )
    return f"Registered, {connector.title} needs no document."
