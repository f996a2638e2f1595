"""Which categories a user does not keep: what belongs to one of them is neither stored nor edited.

See docs/decisions/0050-what-is-remembered.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from accounts.models import User
from core.errors import Unprocessable
from memories.taxonomy import fold_category_name

# Of a state that changed because a language model found such a category.
NOT_KEPT = "not kept"


class NotKept(Unprocessable):
    """This user keeps no memories of this category. Nothing was stored or changed."""

    code = "category_not_kept"

    def __init__(self, categories: Sequence[str], indexes: Collection[int] = ()) -> None:
        named = ", ".join(categories)
        super().__init__(
            f"This user keeps no memories of the category {named}. Nothing was stored or changed."
        )
        self.categories, self.indexes = categories, indexes
        self.members = {"categories": list(categories)}


def find_unkept(names: Iterable[str], *, user: User) -> list[str]:
    """Find the categories among these that the user does not keep."""
    unkept = {fold_category_name(name) for name in user.categories_not_kept}
    return [name for name in dict.fromkeys(names) if fold_category_name(name) in unkept]


def require_kept(names: Iterable[str], *, user: User) -> None:
    """Raises NotKept."""
    if unkept := find_unkept(names, user=user):
        raise NotKept(unkept)


def require_all_kept(names: Sequence[Iterable[str]], *, user: User) -> None:
    """Raises NotKept, with the indexes of the memories whose categories are not kept."""
    unkept = {index: find_unkept(own, user=user) for index, own in enumerate(names)}
    refused = {index: own for index, own in unkept.items() if own}
    if refused:
        raise NotKept([*dict.fromkeys(name for own in refused.values() for name in own)], refused)
