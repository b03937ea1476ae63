// node's oidc-provider with one machine client of one team: a real provider that is not ours.
// Tokens for resources named *:opaque are opaque; gatepass is the client that may ask about them.
// Started as: node oidc_provider.mjs PORT SECRET. The key pair is made anew at every start.
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'indexer',
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }, {
    client_id: 'gatepass',
    client_secret: secret,
    grant_types: [],
    redirect_uris: [],
    response_types: [],
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: {
      enabled: true,
      allowedPolicy: (ctx, client) => client.clientId === 'gatepass',
    },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        audience: resource,
        scope: 'models',
        accessTokenFormat: resource.endsWith(':opaque') ? 'opaque' : 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  // a machine has no sub of its own in what is said about an opaque token
  extraTokenClaims: (ctx, { aud }) => (
    { team_id: 'search', ...(aud === 'urn:example:llm:opaque' && { sub: 'machine-indexer' }) }
  ),
});

provider.listen(Number(port), '127.0.0.1');
