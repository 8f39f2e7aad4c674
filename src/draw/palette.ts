/**
 * The colours of every drawing: Okabe and Ito, "Color Universal Design" (2008), which people with any of the common
 * colour-vision deficiencies can tell apart, and greys.
 */
export const palette = {
  black: "#1a1a1a",
  orange: "#e69f00",
  skyBlue: "#56b4e9",
  green: "#009e73",
  yellow: "#f0e442",
  blue: "#0072b2",
  vermilion: "#d55e00",
  purple: "#cc79a7",
  white: "#ffffff",
  /** Text of second rank. */
  darkGrey: "#5f6368",
  /** Lines. */
  grey: "#8a8f94",
  /** What is silent. */
  lightGrey: "#c9ccd0",
  paleGrey: "#f4f5f6",
  paleBlue: "#e3f0f9",
  paleOrange: "#fdf3df",
  paleGreen: "#e2f3ee",
  paleVermilion: "#fbe9df",
} as const;

/** Eight colours for things that have no order, in the order in which they are handed out. */
export const categorical: readonly string[] = [
  palette.blue,
  palette.orange,
  palette.green,
  palette.purple,
  palette.skyBlue,
  palette.vermilion,
  palette.yellow,
  palette.black,
];
