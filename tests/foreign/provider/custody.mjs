// Signs with a key of counterfoil's custody: asks its signer over the Unix socket. A message is a length in four
// bytes, big-endian, and JSON; octets are base64.
import { createPublicKey } from 'node:crypto';
import { createConnection } from 'node:net';

export class Custody {
  #path;

  constructor(path) {
    this.#path = path;
  }

  /** The version of a key that signs: { kid, algorithm, publicKey }. */
  async current(name) {
    const { keys } = await this.#ask({ op: 'list', purpose: 'issuer: which key signs' });
    const found = keys.find((key) => key.name === name && key.state === 'current');
    if (!found) throw new Error(`custody has no key ${name} that signs`);
    const der = Buffer.from(found.public, 'base64');
    return { kid: found.kid, algorithm: found.algorithm, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
  }

  /** The signature of a JWS signing input, as octets. */
  async sign(name, kid, input, purpose) {
    const { signed } = await this.#ask({ op: 'sign', key: name, kid, input: Buffer.from(input).toString('base64'), purpose });
    return Buffer.from(signed.signature, 'base64');
  }

  #ask(request) {
    return new Promise((resolve, reject) => {
      const socket = createConnection(this.#path);
      const parts = [];
      const body = Buffer.from(JSON.stringify(request));
      const head = Buffer.alloc(4);
      head.writeUInt32BE(body.length);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('custody: it closed the connection')));
      socket.on('data', (part) => {
        parts.push(part);
        const all = Buffer.concat(parts);
        if (all.length < 4 || all.length < 4 + all.readUInt32BE(0)) return;
        const answer = JSON.parse(all.subarray(4));
        if (answer.failure) reject(new Error(`custody: ${answer.failure.message}`));
        else resolve(answer);
        socket.destroy();
      });
      socket.write(Buffer.concat([head, body]));
    });
  }
}
