// For each line of requests on standard input, a line that tells whether IAM would allow each. The simulator knows every
// action, resource type and condition key of AWS; a request that AWS could never make is an error here and not a denial.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const modules = process.argv[2]
const entry = createRequire(`${modules}/`).resolve('@cloud-copilot/iam-simulate')
const { runSimulation } = await import(pathToFileURL(entry))

// The simulator drops keys whose variable part comes after a colon. It is shown another key of KMS instead, in policy and
// request alike: StringEquals compares all strings in the same way, and nothing else here uses these.
const shownAs = {
  'kms:EncryptionContext:SecretARN': 'kms:CallerAccount',
  'kms:EncryptionContext:PARAMETER_ARN': 'kms:RequestAlias',
  'kms:EncryptionContext:aws:s3:arn': 'kms:EncryptionAlgorithm',
}
function shown(value) {
  let text = JSON.stringify(value)
  if (Object.values(shownAs).some((key) => text.includes(key))) throw new Error('a policy uses a key that stands in for another')
  for (const [key, other] of Object.entries(shownAs)) text = text.replaceAll(`"${key}"`, `"${other}"`)
  return JSON.parse(text)
}

async function answer({ principal, account, action, resource, context, policy, keyPolicy }) {
  const found = await runSimulation({
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: shown(context) },
    identityPolicies: [{ name: 'role', policy: shown(policy) }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(keyPolicy ? { resourcePolicy: keyPolicy } : {}),
  }, {})
  const results = found.results ?? (found.result ? [found.result] : [])
  return {
    result: found.resultType === 'error' ? `error: ${JSON.stringify(found.errors)}` : found.overallResult,
    ignored: results.flatMap((result) => result.ignoredContextKeys ?? []),
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers = []
  for (const request of JSON.parse(line)) {
    answers.push(await answer(request).catch((error) => ({ result: `error: ${error.message}`, ignored: [] })))
  }
  console.log(JSON.stringify(answers))
}
