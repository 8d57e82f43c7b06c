"""Polynomials of the state up to a total degree: values, slopes, what errors of x do to them."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np


class Monomials:
    """All monomials of ``dim`` variables up to a degree, by increasing degree."""

    def __init__(self, dim, degree):
        degrees = range(degree + 1)
        self.terms = [c for k in degrees for c in combinations_with_replacement(range(dim), k)]
        place = {c: i for i, c in enumerate(self.terms)}
        self.before = [place[c[:-1]] for c in self.terms[1:]]
        self.last = [c[-1] for c in self.terms[1:]]
        #: (dim, m, m): the derivative along coordinate j is ``values @ slopes[j]``
        self.slopes = np.zeros((dim, len(self.terms), len(self.terms)))
        for i, c in enumerate(self.terms):
            for j in set(c):
                k = c.index(j)
                self.slopes[j, place[c[:k] + c[k + 1 :]], i] = c.count(j)

    def values(self, u, size=None):
        """The first ``size`` monomials at u, (n, size)."""
        out = np.ones((len(u), size or len(self.terms)))
        for i in range(1, out.shape[1]):
            np.multiply(out[:, self.before[i - 1]], u[:, self.last[i - 1]], out=out[:, i])
        return out

    def sharpened(self, blur):
        """(m, m): ``values(u + e) @ it`` has the mean ``values(u)``, for e normal, covariance blur.

        The mean of a polynomial of ``u + e`` is ``exp(blur : grad grad / 2)`` of it, so that its
        inverse, a finite series here, undoes what errors of the states do.
        """
        step = -np.einsum("ij,iab,jbc->ac", blur, self.slopes, self.slopes, optimize=True) / 2
        term = total = np.eye(len(step))
        for k in range(1, len(self.terms[-1]) // 2 + 1):
            term = term @ step / k
            total = total + term
        return total


class Polynomial:
    """``coefficients`` (m, p, ...) of monomials in a frame: a field with p components."""

    def __init__(self, frame, monomials, coefficients):
        self.frame, self.monomials, self.coefficients = frame, monomials, coefficients

    def jet(self, x):
        """Values (n, p, ...) and slopes (n, p, dim, ...) at the states x (n, dim)."""
        values = self.monomials.values(self.frame.inward(x))
        slopes = np.tensordot(self.monomials.slopes, self.coefficients, 1)  # (dim, m, p, ...)
        slopes = np.tensordot(self.frame.inverse, slopes, (0, 0))
        slopes = np.tensordot(values, slopes, (1, 1))
        return np.tensordot(values, self.coefficients, 1), np.moveaxis(slopes, 1, 2)

    def vector(self, x, t):
        return self.jet(x.reshape(-1, x.shape[-1]))[0].reshape(x.shape)

    def jacobian(self, x, t):
        return self.jet(x.reshape(-1, x.shape[-1]))[1].reshape(x.shape + x.shape[-1:])

    def hessian(self, x, t):
        """Second derivatives (..., p, dim, dim)."""
        values = self.monomials.values(self.frame.inward(x.reshape(-1, x.shape[-1])))
        slopes = np.tensordot(self.frame.inverse, self.monomials.slopes, (0, 0))
        bends = np.einsum("jab,kbc,cp->pjka", slopes, slopes, self.coefficients, optimize=True)
        return np.tensordot(values, bends, (1, 3)).reshape(x.shape + x.shape[-1:] * 2)

    def matrix(self, x, t):
        """The symmetric matrix of which the components are those on and above the diagonal."""
        dim = x.shape[-1]
        entries = self.jet(x.reshape(-1, dim))[0] @ unfolding(dim).T
        return entries.reshape(x.shape + (dim,))


def unfolding(dim):
    """(dim^2, p): from the entries on and above a symmetric matrix's diagonal to all."""
    places = np.zeros((dim, dim), dtype=int)
    rows, columns = np.triu_indices(dim)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return np.eye(len(rows))[places.ravel()]
