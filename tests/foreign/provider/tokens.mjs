// The issuer's own log: a JSON line for each JWT, as `counterfoil hunt` reads it, with the digest of what is signed.
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

export class Tokens {
  #file;
  #log;

  constructor(path, log) {
    this.#file = openSync(path, 'a', 0o600);
    this.#log = log;
  }

  /** Write down a token by its signing input: then sign it. Throws if the line cannot be written. */
  write(input, grant = 'other', parents = []) {
    const [header, claims] = input.split('.').map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    writeSync(this.#file, `${JSON.stringify({
      schema: 'counterfoil.issuance/1', log: this.#log, time: new Date().toISOString(),
      digest: createHash('sha256').update(input).digest('hex'), kid: header.kid, alg: header.alg,
      iss: claims.iss, jti: claims.jti, sub: claims.sub, aud: claims.aud, client_id: claims.client_id,
      iat: claims.iat, exp: claims.exp, grant, parents,
    })}\n`);
  }

  close() {
    closeSync(this.#file);
  }
}
