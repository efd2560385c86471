// Claims with their verdicts, as the home page and a board show them.
import type { ClaimEntry } from "../data/types";
import { BoardLink, Table, type Entry } from "./parts";

const order = ["reproduced", "not reproduced", "inconclusive", "void"];

function score(claims: ClaimEntry[]): string {
  const counts = order.map((verdict) => [claims.filter((claim) => claim.verdict === verdict).length, verdict] as const);
  return counts.filter(([n]) => n > 0).map(([n, verdict]) => `${n} ${verdict}`).join(", ") || "none evaluated";
}

export function Claims({ claims, name = "claims" }: { claims: ClaimEntry[]; name?: string }) {
  if (!claims.length) return null;
  const rows = claims.map((claim): (Entry | string)[] => [
    { value: claim.suite, show: <BoardLink id={claim.board}>{claim.suite}</BoardLink> },
    { value: claim.says, show: <div class="says">{claim.says}{!claim.gate && <span class="dim"> (reported only)</span>}</div> },
    { value: claim.verdict ?? "not evaluated", show: <div class="verdict">{claim.verdict ?? "not evaluated"}{claim.detail && <div class="dim">{claim.detail}</div>}</div> },
    { value: claim.expect, show: <code>{claim.expect}</code> },
    claim.test,
  ]);
  return <Table name={name} title="Claims" caption={`${claims.length} claim${claims.length === 1 ? "" : "s"}: ${score(claims)}. What the suites' authors expect, as written in the suites. An effect is left minus right of the comparison that decided; each verdict is at its own level.`}
    columns={["Suite", "Claim", "Verdict", "Expression", "Test"]} rows={rows} />;
}
