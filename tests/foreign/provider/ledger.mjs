// Records counterfoils in counterfoil's ledger: a child process that answers each line once it is durable.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Ledger {
  #child;
  #line = 0;
  #waiting = new Map();

  constructor(command) {
    this.#child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('exit', () => this.#end());
    this.#child.stdin.on('error', () => this.#end());
    createInterface({ input: this.#child.stdout }).on('line', (text) => {
      const kept = JSON.parse(text);
      const { resolve, reject } = this.#waiting.get(kept.line);
      this.#waiting.delete(kept.line);
      if (kept.error) reject(new Error(`ledger: ${kept.error}`));
      else resolve(kept);
    });
  }

  /** Resolves when the counterfoil of this signing input is durable; rejects if it is not: then sign nothing. */
  record(input, grant = 'other', parents = []) {
    return new Promise((resolve, reject) => {
      this.#line += 1;
      this.#waiting.set(this.#line, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ input, grant, parents })}\n`);
    });
  }

  close() {
    return new Promise((resolve) => {
      this.#child.on('exit', resolve);
      this.#child.stdin.end();
    });
  }

  #end() {
    for (const { reject } of this.#waiting.values()) reject(new Error('ledger: it has ended'));
    this.#waiting.clear();
  }
}
