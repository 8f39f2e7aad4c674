/** Progress on a terminal: one line that is rewritten, and a line that stays when something is done. */
export class Progress {
  private readonly live = process.stdout.isTTY === true;
  private last = 0;

  show(what: string, done: number, all: number): void {
    const now = performance.now();
    if (!this.live || (now - this.last < 80 && done < all)) return;
    this.last = now;
    const filled = Math.round((24 * done) / all);
    process.stdout.write(`\r\x1b[2K${"█".repeat(filled)}${"░".repeat(24 - filled)} ${what}`);
  }

  done(what: string): void {
    process.stdout.write(`${this.live ? "\r\x1b[2K" : ""}✓ ${what}\n`);
  }
}
