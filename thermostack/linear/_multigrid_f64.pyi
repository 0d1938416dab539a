from thermostack.linear._multigrid_f32 import Columns as Columns
from thermostack.linear._multigrid_f32 import FinestLevel as FinestLevel
from thermostack.linear._multigrid_f32 import Level as Level
from thermostack.linear._multigrid_f32 import TrueResidual as TrueResidual
from thermostack.linear._multigrid_f32 import choose as choose
from thermostack.linear._multigrid_f32 import operate as operate
from thermostack.linear._multigrid_f32 import weigh as weigh
from thermostack.linear._multigrid_f32 import weigh_pairs as weigh_pairs
