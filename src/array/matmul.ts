import type { DataArray } from "./dtype.js";

/**
 * The plain definition: `C = op(A) · op(B)`, C m × n, inner length k; op(X) is X or its transpose. A is stored
 * m × k (k × m when transposed), B k × n (n × k when transposed). Products of float32 add up in double precision.
 */
export function matmulPlain(
  c: DataArray,
  cOffset: number,
  a: DataArray,
  aOffset: number,
  b: DataArray,
  bOffset: number,
  m: number,
  n: number,
  k: number,
  transposeA: boolean,
  transposeB: boolean,
): void {
  const aRow = transposeA ? 1 : k;
  const aStep = transposeA ? m : 1;
  const bColumn = transposeB ? k : 1;
  const bStep = transposeB ? 1 : n;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let p = aOffset + i * aRow;
      let q = bOffset + j * bColumn;
      for (let l = 0; l < k; l++, p += aStep, q += bStep) sum += a[p] * b[q];
      c[cOffset + i * n + j] = sum;
    }
  }
}
