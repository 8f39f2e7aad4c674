import type { Switch } from "./program.js";

/** The switches that a function reads and sets: what it finds decides what it does. */
export class Switches {
  /** As they stood before the function, of those that it read before it set them. */
  readonly found: Switch[] = [];
  private readonly known = new Set<object>();
  private readonly written = new Map<object, () => Switch>();

  /** @param look tells how the switch of `owner` stands */
  read(owner: object, look: () => Switch): void {
    if (this.known.has(owner)) return;
    this.known.add(owner);
    this.found.push(look());
  }

  set(owner: object, look: () => Switch): void {
    this.known.add(owner);
    this.written.set(owner, look);
  }

  /** How those that were set stand now. */
  changes(): Switch[] {
    return [...this.written.values()].map((look) => look());
  }
}
