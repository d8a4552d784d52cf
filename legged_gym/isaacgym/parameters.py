"""Parameter and property classes of the API, with its names and defaults."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Iterator, List, Sequence

import numpy as np

from legged_gym.isaacgym.enums import ContactCollection, MeshNormalMode, UpAxis
from legged_gym.isaacgym.maths import Mat33, Transform, Vec3, number

FLOAT_MAX = float(np.finfo(np.float32).max)


class Record:
    """Named fields with defaults; fields that are floats take anything that holds one number.

    Attributes:
        FIELDS: name -> default, or a class or function that makes it.
        OPEN: whether names that are not in it may be set too.
    """

    FIELDS: ClassVar[Dict[str, Any]] = {}
    OPEN: ClassVar[bool] = False

    def __init__(self, **values: Any) -> None:
        made = {name: default() if callable(default) else default for name, default in self.FIELDS.items()}
        self.__dict__.update(made)
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        default = self.FIELDS.get(name, value)
        if isinstance(default, float):
            value = number(value)
        elif hasattr(value, "item"):
            value = value.item()
        if name not in self.FIELDS and not self.OPEN:
            known = ", ".join(self.FIELDS)
            raise AttributeError(f"{type(self).__name__} has no attribute '{name}'; it has {known}")
        self.__dict__[name] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def record(name: str, doc: str, fields: Dict[str, Any], opened: bool = False) -> Any:
    """A class of records."""
    return type(name, (Record,), {"FIELDS": fields, "OPEN": opened, "__doc__": doc, "__module__": __name__})


def _gravity() -> Vec3:
    return Vec3(0.0, -9.8, 0.0)


PhysXParams = record(
    "PhysXParams",
    "Settings of PhysX; of these, `contact_collection` alone has an effect.",
    {
        "always_use_articulations": False, "bounce_threshold_velocity": 0.2,
        "contact_collection": ContactCollection.CC_ALL_SUBSTEPS, "contact_offset": 0.02,
        "default_buffer_size_multiplier": 2.0, "friction_correlation_distance": 0.025,
        "friction_offset_threshold": 0.04, "max_depenetration_velocity": 100.0, "max_gpu_contact_pairs": 1048576,
        "num_position_iterations": 4, "num_subscenes": 0, "num_threads": 4, "num_velocity_iterations": 1,
        "rest_offset": 0.01, "solver_type": 1, "use_gpu": False,
    },
)  # fmt: skip
FlexParams = record("FlexParams", "Settings of Flex; kept, without effect.", {}, opened=True)
SimParams = record(
    "SimParams",
    "Settings of a simulation.",
    {
        "dt": 1.0 / 60.0, "enable_actor_creation_warning": True, "flex": FlexParams, "gravity": _gravity,
        "num_client_threads": 0, "physx": PhysXParams, "stress_visualization": False, "stress_visualization_max": 1e5,
        "stress_visualization_min": 0.0, "substeps": 2, "up_axis": UpAxis.UP_AXIS_Y, "use_gpu_pipeline": False,
    },
)  # fmt: skip
VhacdParams = record(
    "VhacdParams",
    "Settings of a convex decomposition; kept, without effect: a mesh collides as its convex hull.",
    {
        "alpha": 0.05, "beta": 0.05, "concavity": 0.0, "convex_hull_approximation": True,
        "convex_hull_downsampling": 4, "max_convex_hulls": 64, "max_num_vertices_per_ch": 64, "min_volume_per_ch": 1e-4,
        "mode": 0, "ocl_acceleration": True, "pca": 0, "plane_downsampling": 4, "project_hull_vertices": True,
        "resolution": 100000,
    },
)  # fmt: skip
AssetOptions = record(
    "AssetOptions",
    "How a robot file is read.",
    {
        "angular_damping": 0.5, "armature": 0.0, "collapse_fixed_joints": False,
        "convex_decomposition_from_submeshes": False, "default_dof_drive_mode": 0, "density": 1000.0,
        "disable_gravity": False, "enable_gyroscopic_forces": True, "fix_base_link": False,
        "flip_visual_attachments": False, "linear_damping": 0.0, "max_angular_velocity": 64.0,
        "max_linear_velocity": 1000.0, "mesh_normal_mode": MeshNormalMode.FROM_ASSET, "min_particle_mass": 1e-12,
        "override_com": False, "override_inertia": False, "replace_cylinder_with_capsule": False,
        "slices_per_cylinder": 20, "tendon_limit_stiffness": 1.0, "thickness": 0.02, "use_mesh_materials": False,
        "use_physx_armature": True, "vhacd_enabled": False, "vhacd_params": VhacdParams,
    },
)  # fmt: skip
SHAPE_FIELDS: Dict[str, Any] = {
    "friction": 1.0, "rolling_friction": 0.0, "torsion_friction": 0.0, "restitution": 0.0, "compliance": 0.0,
    "contact_offset": 0.02, "rest_offset": 0.0, "thickness": 0.02, "filter": 0,
}  # fmt: skip
RigidShapeProperties = record("RigidShapeProperties", "Of a collision shape.", SHAPE_FIELDS)


class RigidBodyProperties(Record):
    """Of a body: kg, m and kg m^2 in its own frame, inertia about the centre of mass."""

    FIELDS: ClassVar[Dict[str, Any]] = {
        "com": Vec3, "flags": 0, "inertia": Mat33, "invInertia": Mat33, "invMass": 0.0, "mass": 0.0,
    }  # fmt: skip

    @classmethod
    def of_row(cls, row: Sequence[float]) -> RigidBodyProperties:
        """Of mass, centre of mass and inertia row by row; matrices are made when somebody looks at them."""
        body = cls.__new__(cls)
        body.__dict__.update(mass=row[0], com=Vec3(*row[1:4]), flags=0, invMass=1.0 / row[0], _inertia=row[4:])
        return body

    def __getattr__(self, name: str) -> Any:
        if name not in ("inertia", "invInertia"):
            raise AttributeError(f"RigidBodyProperties has no attribute '{name}'")
        values = np.array(self.__dict__["_inertia"]).reshape(3, 3)
        made = matrix(values if name == "inertia" else np.linalg.inv(values))
        self.__dict__[name] = made
        return made

    def row(self) -> List[float]:
        """As in `of_row`."""
        known = self.__dict__
        inertia = [x for row in known["inertia"] for x in row] if "inertia" in known else known["_inertia"]
        return [self.mass, self.com.x, self.com.y, self.com.z, *inertia]


ForceSensorProperties = record(
    "ForceSensorProperties",
    "What a force sensor measures.",
    {"enable_constraint_solver_forces": True, "enable_forward_dynamics_forces": True, "use_world_frame": False},
)
CameraProperties = record(
    "CameraProperties",
    "Of a camera; the field of view is that of its width.",
    {
        "enable_tensors": False, "far_plane": 2_000_000.0, "height": 900, "horizontal_fov": 90.0, "near_plane": 0.001,
        "supersampling_horizontal": 1, "supersampling_vertical": 1, "use_collision_geometry": False, "width": 1600,
    },
)  # fmt: skip
_GROUND = {"dynamic_friction": 1.0, "restitution": 0.0, "segmentation_id": 0, "static_friction": 1.0}


def _up() -> Vec3:
    return Vec3(0.0, 1.0, 0.0)


PlaneParams = record("PlaneParams", "A plane.", {**_GROUND, "distance": 0.0, "normal": _up})
TriangleMeshParams = record(
    "TriangleMeshParams",
    "A mesh of triangles.",
    {**_GROUND, "nb_triangles": 0, "nb_vertices": 0, "transform": Transform},
)
HeightFieldParams = record(
    "HeightFieldParams",
    "A height field.",
    {
        **_GROUND, "column_scale": 1.0, "nbColumns": 0, "nbRows": 0, "row_scale": 1.0, "transform": Transform,
        "vertical_scale": 1.0,
    },
)  # fmt: skip
ActionEvent = record("ActionEvent", "A key or button.", {"action": "", "value": 0.0})
ActuatorProperties = record(
    "ActuatorProperties",
    "Of an actuator in an MJCF file.",
    {
        "control_limited": False, "force_limited": False, "kp": 0.0, "kv": 0.0, "lower_control_limit": 0.0,
        "lower_force_limit": 0.0, "motor_effort": 0.0, "upper_control_limit": 0.0, "upper_force_limit": 0.0,
    },
)  # fmt: skip
ShapeIndices = record("ShapeIndices", "The shapes of a body among those of its actor.", {"count": 0, "start": 0})

DOF_DTYPE = np.dtype(
    [
        ("hasLimits", np.bool_), ("lower", "f4"), ("upper", "f4"), ("driveMode", "i4"), ("stiffness", "f4"),
        ("damping", "f4"), ("velocity", "f4"), ("effort", "f4"), ("friction", "f4"), ("armature", "f4"),
    ]
)  # fmt: skip


class DofState:
    """One row of the states of an actor's DOFs."""

    dtype: ClassVar[np.dtype] = np.dtype([("pos", "f4"), ("vel", "f4")])


class Velocity:
    """Linear and angular velocity."""

    dtype: ClassVar[np.dtype] = np.dtype([("linear", Vec3.dtype), ("angular", Vec3.dtype)])

    def __init__(self, linear: Any = None, angular: Any = None) -> None:
        self.linear, self.angular = linear or Vec3(), angular or Vec3()


class RigidBodyState:
    """One row of the states of an actor's bodies."""

    dtype: ClassVar[np.dtype] = np.dtype([("pose", Transform.dtype), ("vel", Velocity.dtype)])


def matrix(values: Any) -> Mat33:
    """A `Mat33` of (3, 3) numbers."""
    return Mat33(*(Vec3(*row) for row in values))
