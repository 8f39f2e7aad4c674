/**
 * The two loops that dual simplex spends its time in, unrolled for 3 to 8 dimensions (1.5 to 3 times the plain loops, which
 * follow below as the definition and serve all other dimensions).
 */

/**
 * out[r] = matrix row r · v, for `count` rows of `stride` numbers of which the first d count; where `affine`, plus number
 * d of the row.
 */
export type Products = (
  matrix: Float64Array,
  stride: number,
  count: number,
  v: Float64Array,
  at: number,
  affine: boolean,
  out: Float64Array,
) => void;

/** Row i of the d × d matrix loses rates[i] times row `pivot`, for every i but the pivot itself. */
export type Elimination = (matrix: Float64Array, rates: Float64Array, pivot: number) => void;

function plainProducts(d: number): Products {
  return (matrix, stride, count, v, at, affine, out) => {
    for (let r = 0, k = 0; r < count; r++, k += stride) {
      let sum = affine ? matrix[k + d] : 0;
      for (let j = 0; j < d; j++) sum += matrix[k + j] * v[at + j];
      out[r] = sum;
    }
  };
}

function plainElimination(d: number): Elimination {
  return (matrix, rates, pivot) => {
    const p = pivot * d;
    for (let i = 0, k = 0; i < d; i++, k += d) {
      const rate = rates[i];
      if (i === pivot || rate === 0) continue;
      for (let j = 0; j < d; j++) matrix[k + j] -= rate * matrix[p + j];
    }
  };
}

const products3: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] = matrix[k] * v0 + matrix[k + 1] * v1 + matrix[k + 2] * v2 + (affine ? matrix[k + 3] : 0);
  }
};

const elimination3: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 3;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  for (let i = 0, k = 0; i < 3; i++, k += 3) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
  }
};

const products4: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  const v3 = v[at + 3];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] =
      matrix[k] * v0 + matrix[k + 1] * v1 + matrix[k + 2] * v2 + matrix[k + 3] * v3 + (affine ? matrix[k + 4] : 0);
  }
};

const elimination4: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 4;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  const p3 = matrix[p + 3];
  for (let i = 0, k = 0; i < 4; i++, k += 4) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
    matrix[k + 3] -= rate * p3;
  }
};

const products5: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  const v3 = v[at + 3];
  const v4 = v[at + 4];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] =
      matrix[k] * v0 +
      matrix[k + 1] * v1 +
      matrix[k + 2] * v2 +
      matrix[k + 3] * v3 +
      matrix[k + 4] * v4 +
      (affine ? matrix[k + 5] : 0);
  }
};

const elimination5: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 5;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  const p3 = matrix[p + 3];
  const p4 = matrix[p + 4];
  for (let i = 0, k = 0; i < 5; i++, k += 5) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
    matrix[k + 3] -= rate * p3;
    matrix[k + 4] -= rate * p4;
  }
};

const products6: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  const v3 = v[at + 3];
  const v4 = v[at + 4];
  const v5 = v[at + 5];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] =
      matrix[k] * v0 +
      matrix[k + 1] * v1 +
      matrix[k + 2] * v2 +
      matrix[k + 3] * v3 +
      matrix[k + 4] * v4 +
      matrix[k + 5] * v5 +
      (affine ? matrix[k + 6] : 0);
  }
};

const elimination6: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 6;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  const p3 = matrix[p + 3];
  const p4 = matrix[p + 4];
  const p5 = matrix[p + 5];
  for (let i = 0, k = 0; i < 6; i++, k += 6) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
    matrix[k + 3] -= rate * p3;
    matrix[k + 4] -= rate * p4;
    matrix[k + 5] -= rate * p5;
  }
};

const products7: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  const v3 = v[at + 3];
  const v4 = v[at + 4];
  const v5 = v[at + 5];
  const v6 = v[at + 6];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] =
      matrix[k] * v0 +
      matrix[k + 1] * v1 +
      matrix[k + 2] * v2 +
      matrix[k + 3] * v3 +
      matrix[k + 4] * v4 +
      matrix[k + 5] * v5 +
      matrix[k + 6] * v6 +
      (affine ? matrix[k + 7] : 0);
  }
};

const elimination7: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 7;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  const p3 = matrix[p + 3];
  const p4 = matrix[p + 4];
  const p5 = matrix[p + 5];
  const p6 = matrix[p + 6];
  for (let i = 0, k = 0; i < 7; i++, k += 7) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
    matrix[k + 3] -= rate * p3;
    matrix[k + 4] -= rate * p4;
    matrix[k + 5] -= rate * p5;
    matrix[k + 6] -= rate * p6;
  }
};

const products8: Products = (matrix, stride, count, v, at, affine, out) => {
  const v0 = v[at];
  const v1 = v[at + 1];
  const v2 = v[at + 2];
  const v3 = v[at + 3];
  const v4 = v[at + 4];
  const v5 = v[at + 5];
  const v6 = v[at + 6];
  const v7 = v[at + 7];
  for (let r = 0, k = 0; r < count; r++, k += stride) {
    out[r] =
      matrix[k] * v0 +
      matrix[k + 1] * v1 +
      matrix[k + 2] * v2 +
      matrix[k + 3] * v3 +
      matrix[k + 4] * v4 +
      matrix[k + 5] * v5 +
      matrix[k + 6] * v6 +
      matrix[k + 7] * v7 +
      (affine ? matrix[k + 8] : 0);
  }
};

const elimination8: Elimination = (matrix, rates, pivot) => {
  const p = pivot * 8;
  const p0 = matrix[p];
  const p1 = matrix[p + 1];
  const p2 = matrix[p + 2];
  const p3 = matrix[p + 3];
  const p4 = matrix[p + 4];
  const p5 = matrix[p + 5];
  const p6 = matrix[p + 6];
  const p7 = matrix[p + 7];
  for (let i = 0, k = 0; i < 8; i++, k += 8) {
    const rate = rates[i];
    if (i === pivot || rate === 0) continue;
    matrix[k] -= rate * p0;
    matrix[k + 1] -= rate * p1;
    matrix[k + 2] -= rate * p2;
    matrix[k + 3] -= rate * p3;
    matrix[k + 4] -= rate * p4;
    matrix[k + 5] -= rate * p5;
    matrix[k + 6] -= rate * p6;
    matrix[k + 7] -= rate * p7;
  }
};

/** The loops for one dimension. */
export function kernelsFor(d: number): { readonly products: Products; readonly eliminate: Elimination } {
  switch (d) {
    case 3:
      return { products: products3, eliminate: elimination3 };
    case 4:
      return { products: products4, eliminate: elimination4 };
    case 5:
      return { products: products5, eliminate: elimination5 };
    case 6:
      return { products: products6, eliminate: elimination6 };
    case 7:
      return { products: products7, eliminate: elimination7 };
    case 8:
      return { products: products8, eliminate: elimination8 };
    default:
      return { products: plainProducts(d), eliminate: plainElimination(d) };
  }
}
