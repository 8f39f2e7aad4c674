/** The parts of an enumeration in the order of their cells, as they are given away, claimed, and found. */

import type { SubProblem } from "../cell-tree/sub-problem.js";
import type { CellsFound } from "./join.js";
import type { Part, Tally } from "./search.js";

/** What the search of a part brought. */
export interface Found {
  readonly tally: Tally;
  /** Undefined where cells are only counted. */
  readonly cells: CellsFound | undefined;
  /** What is left of a search that was stopped. */
  readonly left: readonly SubProblem[];
}

/** A part in its place. */
export interface Place {
  readonly part: Part;
  /** Open parts wait to be claimed; found ones to be joined; one that is gone was given away by a search that is redone. */
  state: "open" | "claimed" | "found" | "gone";
  found: Found | undefined;
  /** Whether a helping thread failed at it. */
  failed: boolean;
  next: Place | undefined;
  /** What came next when it was new: all between is what its search gave away. */
  readonly follower: Place | undefined;
}

function placeOf(part: Part, follower: Place | undefined): Place {
  return { part, state: "open", found: undefined, failed: false, next: follower, follower };
}

/** A list in which a part's own cells come before those of the parts it gave away, the last given away first. */
export class Parts {
  head: Place | undefined;

  constructor(parts: readonly Part[]) {
    for (const part of [...parts].reverse()) this.head = placeOf(part, this.head);
  }

  *[Symbol.iterator](): IterableIterator<Place> {
    for (let place = this.head; place !== undefined; place = place.next) yield place;
  }

  /** Puts a part that the search of another gave away in its place. */
  insert(part: Part, giver: Place): void {
    giver.next = placeOf(part, giver.next);
  }

  /** Takes the first place out of the list. */
  drop(): void {
    this.head = this.head?.next;
  }

  /** Opens a part again, as if it had never been searched. */
  reopen(place: Place): void {
    for (let given = place.next; given !== place.follower; given = given!.next) given!.state = "gone";
    place.next = place.follower;
    place.state = "open";
    place.found = undefined;
  }

  /** The first open part, or undefined. */
  firstOpen(): Place | undefined {
    for (const place of this) if (place.state === "open") return place;
    return undefined;
  }
}
