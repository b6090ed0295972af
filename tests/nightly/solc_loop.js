#!/usr/bin/env node
// Compiles one contract per line of standard input: {"path", "changed": {path: text}} is answered with its bytecode.
// The compiler is loaded once. Legacy code generation without optimizer: what a change means is the same, sooner.
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const root = path.resolve(__dirname, '..', '..');
const solc = require(path.join(root, 'node_modules', 'solc'));

function compile({ path: main, changed }) {
  const read = (file) => {
    const local = file.replace(/^solady\//, 'node_modules/solady/src/');
    if (changed[local] !== undefined) return { contents: changed[local] };
    try {
      return { contents: fs.readFileSync(path.join(root, local), 'utf8') };
    } catch {
      return { error: `File not found: ${file}` };
    }
  };
  const name = path.basename(main, '.sol');
  const input = {
    language: 'Solidity',
    sources: { [main]: { content: read(main).contents } },
    settings: {
      evmVersion: 'cancun',
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { [main]: { [name]: ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
  const errors = (output.errors || []).filter((error) => error.severity === 'error');
  if (errors.length) return { error: errors[0].formattedMessage };
  const { abi, evm } = output.contracts[main][name];
  return { abi, bytecode: evm.bytecode.object };
}

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => process.stdout.write(`${JSON.stringify(compile(JSON.parse(line)))}\n`));
