"""Checkpoints as torch itself writes them, and beside each the bytes of its tensors as torch reads them.

Usage: torch-files.py FOLDER: FOLDER/index.json lists { file, tensors: [{ name, dtype, shape, at, length }] }, the bytes are in
FOLDER/NAME.raw. Needs Debian's python3-torch.
"""
import collections, json, os, sys
import torch

folder = sys.argv[1]
torch.manual_seed(7)

DTYPES = {
    torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float64: 'F64', torch.int64: 'I64',
    torch.int32: 'I32', torch.int16: 'I16', torch.int8: 'I8', torch.uint8: 'U8', torch.bool: 'BOOL',
}

def random(dtype, *shape):
    """Every bit pattern, NaNs among them."""
    count = 1
    for dim in shape:
        count *= dim
    if dtype == torch.bool:
        return torch.randint(0, 2, shape).bool()
    size = torch.empty(0, dtype=dtype).element_size()
    return torch.randint(0, 256, (count * size,)).to(torch.uint8).view(dtype).reshape(shape)

def bits(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return (flat if flat.dtype == torch.bool else flat.view(torch.uint8)).numpy().tobytes()

w = random(torch.float32, 40, 30)
big = random(torch.float32, 700, 900)
model = torch.nn.Sequential(torch.nn.Embedding(50, 8), torch.nn.Linear(8, 50), torch.nn.LayerNorm(50))
model[1].weight = model[0].weight
model.register_buffer('position_ids', torch.arange(20).expand((1, -1)))

cases = {
    'dtypes': {DTYPES[dtype]: random(dtype, 3, 5) for dtype in DTYPES},
    'views': {
        'whole': w, 'transposed': w.t(), 'rows': w[5:20], 'columns': w[:, 3:9], 'steps': w[::3, 1::2], 'one': w[7, 11],
        'row': w[4], 'column': w[:, 4], 'three': w.reshape(4, 10, 30).permute(2, 0, 1), 'expanded': w[0].expand(6, 30),
        'empty': w[:0], 'diagonal': w.diagonal(), 'half': random(torch.float16, 9, 7).t(), 'double': random(torch.float64, 9, 7).t(),
        'bytes': random(torch.uint8, 9, 7).t(), 'large': big.t(), 'large columns': big[:, 100:], 'scalar': torch.tensor(3.5),
    },
    'ties': model.state_dict(),
    'parameters': {'plain': torch.nn.Parameter(random(torch.float32, 4, 3)), 'transposed': torch.nn.Parameter(random(torch.float32, 4, 3).t()),
                   'frozen': torch.nn.Parameter(random(torch.float32, 4), requires_grad=False)},
    'wrapped': {'state_dict': model.state_dict(), 'epoch': 3, 'loss': 0.25, 'note': 'ü', 'shape': torch.Size([2, 3]), 'dtype': torch.float16,
                'optimizer': torch.optim.Adam(model.parameters()).state_dict()},
    'ordered': collections.OrderedDict(a=torch.ones(2), b=torch.zeros(0, 3)),
}
index = []
for name, case in cases.items():
    for zipped in (True, False):
        for protocol in (2, 4):
            file = f"{name}-{'zip' if zipped else 'older'}-{protocol}.bin"
            torch.save(case, os.path.join(folder, file), pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
            read = torch.load(os.path.join(folder, file))
            read = read.get('state_dict', read)
            tensors, at = [], 0
            with open(os.path.join(folder, file + '.raw'), 'wb') as raw:
                for key, tensor in read.items():
                    data = bits(tensor)
                    raw.write(data)
                    tensors.append(dict(name=key, dtype=DTYPES[tensor.dtype], shape=list(tensor.shape), at=at, length=len(data)))
                    at += len(data)
            index.append(dict(file=file, tensors=tensors))
with open(os.path.join(folder, 'index.json'), 'w') as f:
    json.dump(index, f)
