/** A plot of several curves over two logarithmic axes, as SVG. */
import { scaleLog } from "d3-scale";
import { line } from "d3-shape";

export interface Curve {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const width = 640;
const height = 420;
const margin = { top: 36, right: 176, bottom: 44, left: 64 };

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function formatTick(value: number): string {
  return value >= 1000 ? `${value.toLocaleString("en")}` : String(Number(value.toPrecision(3)));
}

/** Names at the curves' right ends, moved down until none covers another. */
function labelPlaces(curves: readonly Curve[], y: (value: number) => number): number[] {
  const order = curves.map((curve, i) => ({ i, at: y(curve.points[curve.points.length - 1][1]) }));
  order.sort((a, b) => a.at - b.at);
  const places: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { i, at } of order) {
    last = Math.max(at, last + 15);
    places[i] = last;
  }
  return places;
}

/** @param unit of the vertical axis */
export function plot(title: string, abscissa: string, unit: string, given: readonly Curve[]): string {
  const curves = given.filter((curve) => curve.points.length > 0);
  const all = curves.flatMap((curve) => curve.points);
  const extent = (axis: 0 | 1): [number, number] => {
    const values = all.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const x = scaleLog(extent(0), [margin.left, width - margin.right]);
  const y = scaleLog(extent(1), [height - margin.bottom, margin.top]).nice();
  const places = labelPlaces(curves, y);
  const path = line<readonly [number, number]>(
    (point) => x(point[0]),
    (point) => y(point[1]),
  );
  const distinct = [...new Set(all.map((point) => point[0]))].sort((a, b) => a - b);
  const abscissas = distinct.length > 8 ? x.ticks().filter(isPowerOfTen) : distinct;
  const decades = y.ticks().filter(isPowerOfTen);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeText(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${margin.left}" y="20" font-size="14">${escapeText(title)}</text>`,
    ...decades.map(
      (value) =>
        `<path d="M${margin.left},${y(value).toFixed(1)}H${width - margin.right}" stroke="#ddd"/><text x="${margin.left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${formatTick(value)}</text>`,
    ),
    ...abscissas.map(
      (value) =>
        `<path d="M${x(value).toFixed(1)},${margin.top}V${height - margin.bottom}" stroke="#eee"/><text x="${x(value).toFixed(1)}" y="${height - margin.bottom + 16}" text-anchor="middle">${formatTick(value)}</text>`,
    ),
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 8}" text-anchor="middle">${escapeText(abscissa)}</text>`,
    `<text transform="translate(14 ${height / 2}) rotate(-90)" text-anchor="middle">${escapeText(unit)}</text>`,
    ...curves.flatMap(({ name, color, points }, i) => {
      const [endX, endY] = points[points.length - 1];
      return [
        `<path d="${path([...points]) ?? ""}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...points.map(
          (point) => `<circle cx="${x(point[0]).toFixed(1)}" cy="${y(point[1]).toFixed(1)}" r="3" fill="${color}"/>`,
        ),
        `<path d="M${(x(endX) + 5).toFixed(1)},${y(endY).toFixed(1)}L${width - margin.right + 10},${places[i].toFixed(1)}" stroke="${color}" stroke-dasharray="2 2"/>`,
        `<text x="${width - margin.right + 14}" y="${(places[i] + 4).toFixed(1)}" fill="${color}">${escapeText(name)}</text>`,
      ];
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function isPowerOfTen(value: number): boolean {
  const exponent = Math.log10(value);
  return Math.abs(exponent - Math.round(exponent)) < 1e-9;
}
