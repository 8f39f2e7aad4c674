export type { Results } from "./capture.js";
export { type Compiled, compile, compileWhereItCan } from "./compile.js";
export { type Program, programText } from "./program.js";
