// An issuer built on npm oidc-provider, as its user would: keys in counterfoil's custody, counterfoils in its ledger,
// and a log of its own. Reads its settings as JSON from the file that the first argument names; says where it listens.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { ExternalSigningKey, Provider } from 'oidc-provider';

import { Custody } from './custody.mjs';
import { Ledger } from './ledger.mjs';
import { Tokens } from './tokens.mjs';

const settings = JSON.parse(readFileSync(process.argv[2]));
const custody = new Custody(settings.signer);
const ledger = new Ledger(settings.ledger);
const tokens = new Tokens(settings.tokens, settings.log);
const { kid, algorithm, publicKey } = await custody.current(settings.key);
const firstOf = new Map(); // of each grant (a login), the id of its first access token: what refreshed ones descend from

class Key extends ExternalSigningKey {
  kid = kid;
  alg = algorithm;

  keyObject() {
    return publicKey;
  }

  async sign(data) { // every JWT that the provider makes comes by here, as header.payload
    const input = Buffer.from(data).toString();
    const claims = JSON.parse(Buffer.from(input.split('.')[1], 'base64url'));
    const oidc = Provider.ctx?.oidc;
    const grant = oidc?.params?.grant_type ?? 'other';
    const login = oidc?.entities?.Grant?.jti;
    const isAccess = typeof claims.jti === 'string';
    const parents = grant === 'refresh_token' ? [firstOf.get(login)] : [];
    if (isAccess && login && !firstOf.has(login)) firstOf.set(login, claims.jti);
    await ledger.record(input, grant, parents);
    tokens.write(input, grant, parents);
    return custody.sign(settings.key, kid, input, `oidc-provider ${claims.jti ?? 'ID token'}`);
  }
}

const server = createServer();
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const key = new Key();
const provider = new Provider(settings.issuer, {
  jwks: { keys: [key] },
  clients: settings.clients,
  cookies: { keys: [settings.cookies] },
  scopes: ['openid', 'offline_access', 'read'],
  pkce: { required: () => true },
  issueRefreshToken: () => true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => settings.audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read', audience: settings.audience, accessTokenFormat: 'jwt', accessTokenTTL: 3600,
        jwt: { sign: { alg: algorithm } },
      }),
    },
  },
});
provider.proxy = true; // the issuer has a name, the test reaches it by its port
server.on('request', provider.callback());
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    await ledger.close();
    tokens.close();
    process.exit(0);
  });
}
console.log(JSON.stringify({ ready: `http://127.0.0.1:${server.address().port}`, kid }));
