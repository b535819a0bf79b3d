// What the provider remembers while it runs: sessions, codes, grants. A restart forgets them all.

const MOST = 20_000;
const GRANTED = new Set(["AccessToken", "AuthorizationCode", "RefreshToken"]);

/** Return an adapter class whose rows belong to one issuer. */
export function store() {
  const rows = new Map();

  function live(key) {
    const row = rows.get(key);
    if (row && row.until > Date.now()) return row.payload;
    rows.delete(key);
    return undefined;
  }

  function find(wanted) {
    for (const [key, row] of rows) if (wanted(key, row.payload)) return live(key);
    return undefined;
  }

  return class Adapter {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, seconds) {
      rows.delete(this.key(id));
      if (rows.size >= MOST) rows.delete(rows.keys().next().value);
      const until = seconds ? Date.now() + seconds * 1000 : Infinity;
      rows.set(this.key(id), { payload, until });
    }

    async find(id) {
      return live(this.key(id));
    }

    async findByUid(uid) {
      return find((key, payload) => key.startsWith(`${this.model}:`) && payload.uid === uid);
    }

    async findByUserCode() {
      return undefined;
    }

    async consume(id) {
      const payload = live(this.key(id));
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      rows.delete(this.key(id));
    }

    async revokeByGrantId(grant) {
      for (const [key, row] of rows) {
        if (GRANTED.has(key.split(":", 1)[0]) && row.payload.grantId === grant) rows.delete(key);
      }
    }
  };
}
