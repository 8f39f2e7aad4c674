/** Inverses of small matrices in floating point: approximate, to be judged by their residual. */

/**
 * Writes the inverse of a d × d matrix (row-major); the matrix is destroyed. By cofactors for d = 3 and 4, which is several
 * times faster, else by Gauss and Jordan with partial pivoting.
 *
 * @returns false where the matrix is singular to working precision.
 */
export function invert(matrix: Float64Array, inverse: Float64Array, d: number): boolean {
  if (d === 3) return invert3(matrix, inverse);
  if (d === 4) return invert4(matrix, inverse);
  return eliminate(matrix, inverse, d);
}

function invert3(m: Float64Array, out: Float64Array): boolean {
  const a = m[0];
  const b = m[1];
  const c = m[2];
  const d = m[3];
  const e = m[4];
  const f = m[5];
  const g = m[6];
  const h = m[7];
  const i = m[8];
  const first = e * i - f * h;
  const second = f * g - d * i;
  const third = d * h - e * g;
  const share = 1 / (a * first + b * second + c * third);
  if (!Number.isFinite(share)) return false;
  out[0] = first * share;
  out[1] = (c * h - b * i) * share;
  out[2] = (b * f - c * e) * share;
  out[3] = second * share;
  out[4] = (a * i - c * g) * share;
  out[5] = (c * d - a * f) * share;
  out[6] = third * share;
  out[7] = (b * g - a * h) * share;
  out[8] = (a * e - b * d) * share;
  return true;
}

/** By the 2 × 2 minors of the upper and of the lower two rows (Laplace). */
function invert4(m: Float64Array, out: Float64Array): boolean {
  const s0 = m[0] * m[5] - m[1] * m[4];
  const s1 = m[0] * m[6] - m[2] * m[4];
  const s2 = m[0] * m[7] - m[3] * m[4];
  const s3 = m[1] * m[6] - m[2] * m[5];
  const s4 = m[1] * m[7] - m[3] * m[5];
  const s5 = m[2] * m[7] - m[3] * m[6];
  const c0 = m[8] * m[13] - m[9] * m[12];
  const c1 = m[8] * m[14] - m[10] * m[12];
  const c2 = m[8] * m[15] - m[11] * m[12];
  const c3 = m[9] * m[14] - m[10] * m[13];
  const c4 = m[9] * m[15] - m[11] * m[13];
  const c5 = m[10] * m[15] - m[11] * m[14];
  const share = 1 / (s0 * c5 - s1 * c4 + s2 * c3 + s3 * c2 - s4 * c1 + s5 * c0);
  if (!Number.isFinite(share)) return false;
  out[0] = (m[5] * c5 - m[6] * c4 + m[7] * c3) * share;
  out[1] = (-m[1] * c5 + m[2] * c4 - m[3] * c3) * share;
  out[2] = (m[13] * s5 - m[14] * s4 + m[15] * s3) * share;
  out[3] = (-m[9] * s5 + m[10] * s4 - m[11] * s3) * share;
  out[4] = (-m[4] * c5 + m[6] * c2 - m[7] * c1) * share;
  out[5] = (m[0] * c5 - m[2] * c2 + m[3] * c1) * share;
  out[6] = (-m[12] * s5 + m[14] * s2 - m[15] * s1) * share;
  out[7] = (m[8] * s5 - m[10] * s2 + m[11] * s1) * share;
  out[8] = (m[4] * c4 - m[5] * c2 + m[7] * c0) * share;
  out[9] = (-m[0] * c4 + m[1] * c2 - m[3] * c0) * share;
  out[10] = (m[12] * s4 - m[13] * s2 + m[15] * s0) * share;
  out[11] = (-m[8] * s4 + m[9] * s2 - m[11] * s0) * share;
  out[12] = (-m[4] * c3 + m[5] * c1 - m[6] * c0) * share;
  out[13] = (m[0] * c3 - m[1] * c1 + m[2] * c0) * share;
  out[14] = (-m[12] * s3 + m[13] * s1 - m[14] * s0) * share;
  out[15] = (m[8] * s3 - m[9] * s1 + m[10] * s0) * share;
  return true;
}

function eliminate(matrix: Float64Array, inverse: Float64Array, d: number): boolean {
  inverse.fill(0);
  for (let i = 0; i < d; i++) inverse[i * d + i] = 1;
  for (let k = 0; k < d; k++) {
    let pivot = k;
    for (let i = k + 1; i < d; i++) {
      if (Math.abs(matrix[i * d + k]) > Math.abs(matrix[pivot * d + k])) pivot = i;
    }
    const head = matrix[pivot * d + k];
    if (head === 0 || !Number.isFinite(head)) return false;
    for (let j = 0; j < d; j++) {
      const a = matrix[pivot * d + j];
      matrix[pivot * d + j] = matrix[k * d + j];
      matrix[k * d + j] = a / head;
      const b = inverse[pivot * d + j];
      inverse[pivot * d + j] = inverse[k * d + j];
      inverse[k * d + j] = b / head;
    }
    for (let i = 0; i < d; i++) {
      if (i === k) continue;
      const factor = matrix[i * d + k];
      if (factor === 0) continue;
      for (let j = 0; j < d; j++) {
        matrix[i * d + j] -= factor * matrix[k * d + j];
        inverse[i * d + j] -= factor * inverse[k * d + j];
      }
    }
  }
  return true;
}
