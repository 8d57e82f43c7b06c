"""How arrays lie in memory: sums over short axes are quick where the long ones are contiguous."""

from functools import cache

import numpy as np

SHORT = 8  # the longest axis that is summed over entry by entry
SMALL = 2000  # numbers that are in the cache however they lie


def componentwise(array, rank=1, small=SMALL):
    """The same array with each component, over the last ``rank`` axes, by itself in memory.

    Sums over these short axes then run along the long ones, which is several times faster. Axes that
    are not short stay together, for products of matrices. Arrays of at most ``small`` numbers are left
    alone; 0 where what follows is quicker if all lie alike.
    """
    if array.size <= small:
        return array
    if array.shape[-1] > SHORT:
        return np.ascontiguousarray(array)
    lead = array.ndim - rank
    forth = (*reversed(range(lead, array.ndim)), *range(lead))
    return np.ascontiguousarray(array.transpose(forth)).transpose(last(rank, lead))


@cache
def last(rank, lead):
    """The order of the axes with the first ``rank`` of them, turned round, after the ``lead`` that follow.

    Of one path that is Fortran's order, which numpy goes through in one piece.
    """
    return (*range(rank, rank + lead), *reversed(range(rank)))
