"""One path of a field on a torus by two solvers: the record that the page on fields shows.

python -m benchmarks.torus > book/beyond/fields.csv
"""

import time

from .fields import SIDE, TORUS_STEPS, Torus, peak
from .measure import megabytes, seconds


def main():
    torus = Torus(SIDE, TORUS_STEPS)
    system = torus.by_products()
    scale = 10**2 / SIDE**2 * 0.05  # epsilon = D a^2: the action is the cost over epsilon
    path = torus.path(system)
    own = seconds(torus.path, system, repeat=2, clock=time.process_time)
    begin = time.process_time()
    other = torus.quasi_newton()
    taken = time.process_time() - begin
    held, room = megabytes(lambda: torus.quasi_newton(maxiter=12)), peak(torus, system)
    print("solver,cost,steps,seconds,megabytes,kind")
    print(f"Newton-CG,{scale * path.action:.5f},{path.n_iter},{own:.1f},{room:.0f},{path.kind}")
    print(f"L-BFGS-B,{scale * other.fun:.5f},{other.nit},{taken:.0f},{held:.0f},not known")


if __name__ == "__main__":
    main()
