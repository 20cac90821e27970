"""What a linkage would do with a source's people, held against its contract."""

from __future__ import annotations

from collections.abc import Mapping

from cxminute.model.definitions import Document
from cxminute.privacy.contracts import Contract
from cxminute.resolve.linkage.definition import Linkage


def check_linkage(doc: Document, linkage: Linkage, contracts: Mapping[str, Contract]) -> None:
    """Notes every source whose contract does not allow the purpose, to link its people, or to learn from them."""
    for name in linkage.sources:
        contract = contracts.get(name)
        if contract is None:
            continue
        does = []
        if linkage.purpose not in contract.purposes:
            cited = contract.clause_against(linkage.purpose) or f"'{name}: purposes'"
            allowed = ", ".join(sorted(contract.purposes)) or "nothing"
            does.append(("purpose", f"would use source '{name}' for '{linkage.purpose}'", cited, allowed))
        if not contract.link:
            cited = contract.cites("no-linking", "link")
            does.append(("sources", f"would link to other people those of source '{name}'", cited, "other sources"))
        if not contract.train:
            cited = contract.cites("no-training", "train")
            allowed = "other sources" if contract.limit else "train = true in its contract, or other sources"
            does.append(("sources", f"would train a model on source '{name}'", cited, allowed))
        for key, what, cited, allowed in does:
            doc.fault(
                f"Linkage '{linkage.name}' {what}. This breaks {cited}.", key=key, allowed=f"{allowed}{contract.more}"
            )
