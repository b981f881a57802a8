"""Answers of the Python interpreter: integers, hashes, floats, exceptions, text, generators."""
import hashlib
import json
import math
import re


def primes():
    found = []
    n = 2
    while True:
        if all(n % p for p in found):
            found.append(n)
            yield n
        n += 1


some = [p for p, _ in zip(primes(), range(300))]
print(sum(some), some[-1])
print(math.factorial(60))
print(hashlib.sha256(json.dumps(some).encode()).hexdigest())
print(math.fsum(math.sqrt(p) for p in some), 0.1 + 0.2, repr(1e22))
print(re.sub(r"(\w)(\w*)", lambda m: m[2] + m[1], "Zeichenkette: naïve café, 東京"))
try:
    some[300]
except IndexError as error:
    print(type(error).__name__, error)
