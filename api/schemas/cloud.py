"""The candidates of a search as columns, and what they are seen against, on the wire."""

from __future__ import annotations

from nas.plots.documents import CloudDocument

from .wire import Links


class CloudView(CloudDocument):
    """Candidates of a search as columns of one length, by ordinal, and what they are seen against."""

    links: Links

    @classmethod
    def of(cls, found: CloudDocument) -> CloudView:
        """The wire form of a search's cloud."""
        path = f"/v1/searches/{found.search_id}"
        return cls(links={"self": f"{path}/cloud", "search": path, "front": f"{path}/front"}, **dict(found))
