"""A persistent child of run.py: scikit-learn's roc_auc_score. Same protocol as assay_bench.cpp."""
import json
import sys
import time

import numpy
import sklearn
from sklearn.metrics import roc_auc_score


def main():
    request = json.loads(sys.argv[1])
    rng = numpy.random.default_rng(4)
    truth = numpy.arange(request["batch"]) % 2
    scores = rng.standard_normal(request["batch"]) + truth
    print(json.dumps({"version": sklearn.__version__}), flush=True)
    for line in sys.stdin:
        if not line.strip():
            break
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(int(line)):
            roc_auc_score(truth, scores)
        print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}), flush=True)


if __name__ == "__main__":
    main()
