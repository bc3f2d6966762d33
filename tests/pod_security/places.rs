//! The places of a pod in which the API server looks at a value by itself.

use super::values::Kind;

/// A place: parts of a helper, a volume, a pod and its annotations, with `@` where the value goes.
pub(super) struct Place {
    pub(super) part: &'static str,
    pub(super) kind: Kind,
    /// Whether more is refused here than by the newest API server: an older one refuses it, it
    /// means nothing, the container would never start, or a pod may not set what adds privilege.
    pub(super) may_be_stricter: bool,
}

const fn text(part: &'static str) -> Place {
    Place {
        part,
        kind: Kind::Text,
        may_be_stricter: false,
    }
}

const fn stricter(part: &'static str) -> Place {
    Place {
        may_be_stricter: true,
        ..text(part)
    }
}

const fn number(part: &'static str) -> Place {
    Place {
        kind: Kind::Number,
        ..text(part)
    }
}

const fn stricter_number(part: &'static str) -> Place {
    Place {
        kind: Kind::Number,
        ..stricter(part)
    }
}

const fn quantity(part: &'static str) -> Place {
    Place {
        kind: Kind::Quantity,
        ..text(part)
    }
}

/// Every field whose value a template may take from a parameter, and that the API server looks at.
pub(super) const PLACES: &[Place] = &[
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "@", "key": "k"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "@", "key": "k"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "@"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "@"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['@']"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['@']"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "@"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.@"}}}]}}"#,
    ),
    quantity(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "@"}}}]}}"#,
    ),
    quantity(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "@"}}}]}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "@", "key": "K"}}}]}, "volume": {"emptyDir": {}}}"#,
    ),
    text(
        r#"{"container": {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "a", "key": "@"}}}]}, "volume": {"emptyDir": {}}}"#,
    ),
    stricter(r#"{"container": {"envFrom": [{"prefix": "@", "secretRef": {"name": "a"}}]}}"#),
    text(r#"{"container": {"envFrom": [{"secretRef": {"name": "@"}}]}}"#),
    text(r#"{"container": {"envFrom": [{"configMapRef": {"name": "@"}}]}}"#),
    text(
        r#"{"container": {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "@"}}}}"#,
    ),
    text(
        r#"{"container": {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "@"}}}}"#,
    ),
    number(r#"{"container": {"securityContext": {"runAsUser": "@"}}}"#),
    text(
        r#"{"container": {"readinessProbe": {"httpGet": {"port": 1, "httpHeaders": [{"name": "@", "value": ""}]}}}}"#,
    ),
    quantity(r#"{"container": {"resources": {"limits": {"cpu": "1", "hugepages-2Mi": "@"}}}}"#),
    quantity(r#"{"container": {"resources": {"limits": {"example.com/a": "@"}}}}"#),
    quantity(r#"{"container": {"resources": {"requests": {"cpu": "@"}, "limits": {"cpu": "1"}}}}"#),
    quantity(
        r#"{"container": {"resources": {"requests": {"example.com/a": "@"}, "limits": {"example.com/a": "2"}}}}"#,
    ),
    text(r#"{"container": {"resources": {"claims": [{"name": "@"}]}}}"#),
    text(
        r#"{"container": {"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "@"}]}, "volume": {"emptyDir": {}}}"#,
    ),
    text(r#"{"volume": {"csi": {"driver": "@"}}}"#),
    text(r#"{"volume": {"csi": {"driver": "a", "nodePublishSecretRef": {"name": "@"}}}}"#),
    stricter(r#"{"volume": {"hostPath": {"path": "@"}}}"#),
    stricter(r#"{"volume": {"hostPath": {"path": "/a", "type": "@"}}}"#),
    text(r#"{"volume": {"nfs": {"server": "a", "path": "@"}}}"#),
    text(r#"{"volume": {"secret": {"secretName": "@"}}}"#),
    text(r#"{"volume": {"configMap": {"name": "@"}}}"#),
    text(r#"{"volume": {"configMap": {"name": "a", "items": [{"key": "a", "path": "@"}]}}}"#),
    text(r#"{"volume": {"image": {"reference": "@"}}}"#),
    text(r#"{"volume": {"flexVolume": {"driver": "@"}}}"#),
    stricter(r#"{"volume": {"persistentVolumeClaim": {"claimName": "@"}}}"#),
    text(
        r#"{"volume": {"downwardAPI": {"items": [{"path": "@", "fieldRef": {"fieldPath": "metadata.name"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels['@']"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu", "containerName": "@"}}]}}}"#,
    ),
    text(r#"{"volume": {"projected": {"sources": [{"serviceAccountToken": {"path": "@"}}]}}}"#),
    number(
        r#"{"volume": {"projected": {"sources": [{"serviceAccountToken": {"path": "a", "expirationSeconds": "@"}}]}}}"#,
    ),
    text(r#"{"volume": {"projected": {"sources": [{"secret": {"name": "@"}}]}}}"#),
    text(
        r#"{"volume": {"projected": {"sources": [{"secret": {"name": "a", "items": [{"key": "a", "path": "@"}]}}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"configMap": {"name": "a", "items": [{"key": "a", "path": "a"}]}}, {"secret": {"name": "a", "items": [{"key": "a", "path": "@"}]}}]}}}"#,
    ),
    text(
        r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "@", "resources": {"requests": {"storage": "1"}}}}}}}"#,
    ),
    text(
        r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "@", "resources": {"requests": {"storage": "1"}}}}}}}"#,
    ),
    text(
        r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "@"}}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}}}"#,
    ),
    text(
        r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["@"], "resources": {"requests": {"storage": "1"}}}}}}}"#,
    ),
    quantity(
        r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "@"}}}}}}}"#,
    ),
    quantity(r#"{"volume": {"emptyDir": {"sizeLimit": "@"}}}"#),
    number(r#"{"pod": {"securityContext": {"supplementalGroups": ["@"]}}}"#),
    number(r#"{"pod": {"securityContext": {"fsGroup": "@"}}}"#),
    stricter(r#"{"pod": {"securityContext": {"sysctls": [{"name": "@", "value": "1"}]}}}"#),
    text(r#"{"pod": {"tolerations": [{"key": "a", "value": "@"}]}}"#),
    text(r#"{"pod": {"tolerations": [{"key": "@", "operator": "Exists"}]}}"#),
    text(r#"{"pod": {"nodeSelector": {"a": "@"}}}"#),
    text(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "@", "whenUnsatisfiable": "DoNotSchedule"}]}}"#,
    ),
    text(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "@"}}}]}}"#,
    ),
    text(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["@"]}]}}]}}"#,
    ),
    text(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"b": "b"}}, "matchLabelKeys": ["@"]}]}}"#,
    ),
    text(
        r#"{"pod": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["@"]}]}]}}}}}"#,
    ),
    text(
        r#"{"pod": {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["@"]}]}}]}}}}"#,
    ),
    text(
        r#"{"pod": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["@"]}]}]}}}}}"#,
    ),
    text(
        r#"{"pod": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "@"}]}}}}"#,
    ),
    text(
        r#"{"pod": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a", "namespaces": ["@"]}]}}}}"#,
    ),
    text(r#"{"pod": {"hostAliases": [{"ip": "127.0.0.1", "hostnames": ["@"]}]}}"#),
    text(r#"{"pod": {"hostAliases": [{"ip": "@"}]}}"#),
    text(r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "@"}}"#),
    text(r#"{"annotations": {"scheduler.alpha.kubernetes.io/tolerations": "@"}}"#),
    text(r#"{"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "@"}}"#),
    text(r#"{"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "localhost/@"}}"#),
    text(r#"{"annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "@"}}"#),
    text(
        r#"{"annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "localhost/@"}}"#,
    ),
    text(r#"{"pod": {"dnsConfig": {"searches": ["@"]}}}"#),
    text(r#"{"pod": {"dnsConfig": {"nameservers": ["@"]}}}"#),
    text(r#"{"pod": {"dnsConfig": {"options": [{"name": "@"}]}}}"#),
    stricter(r#"{"container": {"env": [{"name": "@", "value": "a"}]}}"#),
    text(r#"{"container": {"ports": [{"containerPort": 1, "name": "@"}]}}"#),
    number(r#"{"container": {"ports": [{"containerPort": "@"}]}}"#),
    stricter(r#"{"container": {"imagePullPolicy": "@"}}"#),
    stricter(r#"{"container": {"terminationMessagePolicy": "@"}}"#),
    stricter(r#"{"container": {"readinessProbe": {"httpGet": {"port": 1, "path": "@"}}}}"#),
    stricter(r#"{"container": {"readinessProbe": {"httpGet": {"port": 1, "scheme": "@"}}}}"#),
    stricter(r#"{"container": {"readinessProbe": {"tcpSocket": {"port": "@"}}}}"#),
    number(
        r#"{"container": {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": "@"}}}"#,
    ),
    number(
        r#"{"container": {"readinessProbe": {"tcpSocket": {"port": 1}, "timeoutSeconds": "@"}}}"#,
    ),
    number(
        r#"{"container": {"readinessProbe": {"tcpSocket": {"port": 1}, "successThreshold": "@"}}}"#,
    ),
    number(
        r#"{"container": {"readinessProbe": {"tcpSocket": {"port": 1}, "failureThreshold": "@"}}}"#,
    ),
    number(
        r#"{"container": {"readinessProbe": {"tcpSocket": {"port": 1}, "initialDelaySeconds": "@"}}}"#,
    ),
    number(r#"{"container": {"livenessProbe": {"grpc": {"port": "@"}}}}"#),
    number(
        r#"{"container": {"livenessProbe": {"tcpSocket": {"port": 1}, "terminationGracePeriodSeconds": "@"}}}"#,
    ),
    stricter(
        r#"{"container": {"volumeMounts": [{"name": "v", "mountPath": "@"}]}, "volume": {"emptyDir": {}}}"#,
    ),
    text(
        r#"{"container": {"volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "@"}]}, "volume": {"emptyDir": {}}}"#,
    ),
    text(
        r#"{"container": {"volumeDevices": [{"name": "v", "devicePath": "@"}]}, "volume": {"persistentVolumeClaim": {"claimName": "a"}}}"#,
    ),
    text(r#"{"container": {"securityContext": {"capabilities": {"drop": ["@"]}}}}"#),
    text(r#"{"container": {"securityContext": {"seccompProfile": {"type": "@"}}}}"#),
    number(r#"{"container": {"securityContext": {"runAsGroup": "@"}}}"#),
    text(r#"{"container": {"lifecycle": {"stopSignal": "@"}}}"#),
    stricter_number(r#"{"container": {"lifecycle": {"preStop": {"sleep": {"seconds": "@"}}}}}"#),
    text(
        r#"{"container": {"resizePolicy": [{"resourceName": "@", "restartPolicy": "NotRequired"}]}}"#,
    ),
    text(
        r#"{"container": {"resources": {"limits": {"cpu": "1"}, "claims": [{"name": "a", "request": "@"}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"clusterTrustBundle": {"path": "a", "name": "@"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"clusterTrustBundle": {"path": "a", "signerName": "@"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"clusterTrustBundle": {"path": "@", "name": "a"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"podCertificate": {"signerName": "@", "keyType": "ED25519", "keyPath": "a"}}]}}}"#,
    ),
    text(
        r#"{"volume": {"projected": {"sources": [{"podCertificate": {"signerName": "a.example/b", "keyType": "ED25519", "keyPath": "@"}}]}}}"#,
    ),
    number(
        r#"{"volume": {"projected": {"sources": [{"podCertificate": {"signerName": "a.example/b", "keyType": "ED25519", "keyPath": "a", "maxExpirationSeconds": "@"}}]}}}"#,
    ),
    stricter(r#"{"volume": {"emptyDir": {"medium": "@"}}}"#),
    text(r#"{"volume": {"azureFile": {"secretName": "@", "shareName": "a"}}}"#),
    text(r#"{"volume": {"azureFile": {"secretName": "a", "shareName": "@"}}}"#),
    text(r#"{"volume": {"awsElasticBlockStore": {"volumeID": "@"}}}"#),
    text(r#"{"volume": {"gcePersistentDisk": {"pdName": "@"}}}"#),
    text(r#"{"volume": {"gitRepo": {"repository": "@"}}}"#),
    text(r#"{"volume": {"gitRepo": {"repository": "a", "directory": "@"}}}"#),
    text(r#"{"volume": {"nfs": {"server": "@", "path": "/a"}}}"#),
    text(r#"{"volume": {"glusterfs": {"endpoints": "@", "path": "a"}}}"#),
    text(r#"{"volume": {"glusterfs": {"endpoints": "a", "path": "@"}}}"#),
    text(r#"{"volume": {"rbd": {"monitors": ["a"], "image": "@"}}}"#),
    text(r#"{"volume": {"cinder": {"volumeID": "@"}}}"#),
    text(r#"{"volume": {"vsphereVolume": {"volumePath": "@"}}}"#),
    text(r#"{"volume": {"portworxVolume": {"volumeID": "@"}}}"#),
    text(r#"{"volume": {"photonPersistentDisk": {"pdID": "@"}}}"#),
    text(
        r#"{"volume": {"azureDisk": {"diskName": "@", "diskURI": "https://a.blob.core.windows.net/a/a.vhd"}}}"#,
    ),
    text(
        r#"{"volume": {"iscsi": {"targetPortal": "@", "iqn": "iqn.2001-04.com.example:a", "lun": 0}}}"#,
    ),
    text(
        r#"{"volume": {"scaleIO": {"gateway": "@", "system": "a", "volumeName": "a", "secretRef": {"name": "a"}}}}"#,
    ),
    text(r#"{"volume": {"quobyte": {"registry": "a:1", "volume": "@"}}}"#),
    number(r#"{"volume": {"configMap": {"name": "a", "defaultMode": "@"}}}"#),
    number(
        r#"{"volume": {"secret": {"secretName": "a", "items": [{"key": "a", "path": "a", "mode": "@"}]}}}"#,
    ),
    number(
        r#"{"volume": {"iscsi": {"targetPortal": "a", "iqn": "iqn.2001-04.com.example:a", "lun": "@"}}}"#,
    ),
    number(r#"{"volume": {"gcePersistentDisk": {"pdName": "a", "partition": "@"}}}"#),
    stricter(r#"{"pod": {"dnsPolicy": "@"}}"#),
    text(r#"{"pod": {"securityContext": {"fsGroupChangePolicy": "@", "fsGroup": 1}}}"#),
    text(r#"{"pod": {"securityContext": {"supplementalGroupsPolicy": "@"}}}"#),
    text(r#"{"pod": {"securityContext": {"seLinuxChangePolicy": "@"}}}"#),
    text(r#"{"pod": {"tolerations": [{"key": "a", "effect": "@", "operator": "Exists"}]}}"#),
    text(
        r#"{"pod": {"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "@"}}}}"#,
    ),
    stricter(r#"{"pod": {"imagePullSecrets": [{"name": "@"}]}}"#),
    stricter(r#"{"pod": {"tolerations": [{"key": "a", "operator": "@"}]}}"#),
    stricter_number(r#"{"pod": {"terminationGracePeriodSeconds": "@"}}"#),
    number(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": "@", "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]}}"#,
    ),
    number(
        r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "minDomains": "@", "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]}}"#,
    ),
    number(
        r#"{"pod": {"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": "@"}]}}"#,
    ),
    number(
        r#"{"pod": {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": "@", "podAffinityTerm": {"topologyKey": "a"}}]}}}}"#,
    ),
];

/// Parts that are right or wrong as a whole.
pub(super) const LITERALS: &[&str] = &[
    r#"{"container": {"resources": {"requests": {"example.com/a": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"example.com/a": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"hugepages-2Mi": "2Mi"}}}}"#,
    r#"{"container": {"resources": {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"memory": "1Mi"}}}}"#,
    r#"{"container": {"resources": {"limits": {"hugepages-x": "2Mi", "cpu": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"hugepages-0": "0", "cpu": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"kubernetes.io/a": "2"}, "requests": {"kubernetes.io/a": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"requests.example.com/a": "1"}}}}"#,
    r#"{"container": {"resources": {"limits": {"storage": "1"}}}}"#,
    r#"{"container": {"resources": {"claims": [{"name": "gpu"}]}}}"#,
    r#"{"volume": {"secret": {}}}"#,
    r#"{"volume": {"image": {}}}"#,
    r#"{"volume": {"ephemeral": {}}}"#,
    r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {}}}}}"#,
    r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOncePod", "ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}}}"#,
    r#"{"volume": {"ephemeral": {"volumeClaimTemplate": {"metadata": {"name": "a"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}}}"#,
    r#"{"volume": {"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu"}}]}}}"#,
    r#"{"container": {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.hugepages-2Mi"}}}]}}"#,
    r#"{"container": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels[']"}}}]}}"#,
    r#"{"container": {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "a", "key": "K"}}}]}, "volume": {"configMap": {"name": "a"}}}"#,
    r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "matchLabelKeys": ["app"]}]}}"#,
    r#"{"pod": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "a"}}, "matchLabelKeys": ["app"]}]}}"#,
    r#"{"pod": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}}}"#,
    r#"{"pod": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "Exists"}]}]}}}}}"#,
    r#"{"pod": {"dnsConfig": {"options": [{"value": "a"}]}}}"#,
    r#"{"pod": {"securityContext": {"sysctls": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}}}"#,
    r#"{"pod": {"securityContext": {"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}}}"#,
    r#"{"container": {"volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]}, "volume": {"emptyDir": {}}}"#,
    r#"{"container": {"securityContext": {"privileged": true}, "volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]}, "volume": {"emptyDir": {}}}"#,
    r#"{"container": {"securityContext": {"windowsOptions": {"hostProcess": true}}}}"#,
    r#"{"container": {"securityContext": {"windowsOptions": {"runAsUserName": "a"}}}}"#,
    r#"{"container": {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, "annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "unconfined"}}"#,
    r#"{"container": {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, "annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "runtime/default"}}"#,
    r#"{"container": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}, "annotations": {"container.seccomp.security.alpha.kubernetes.io/helper": "docker/default"}}"#,
    r#"{"container": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "annotations": {"container.seccomp.security.alpha.kubernetes.io/helper": "docker/default"}}"#,
    r#"{"pod": {"securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "a"}}}, "annotations": {"seccomp.security.alpha.kubernetes.io/pod": "localhost/b"}}"#,
    r#"{"pod": {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, "annotations": {"container.apparmor.security.beta.kubernetes.io/helper": "unconfined"}}"#,
    r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-100"}}"#,
    r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-01"}}"#,
    r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "01"}}"#,
    r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "0"}}"#,
    r#"{"annotations": {"controller.kubernetes.io/pod-deletion-cost": "2147483648"}}"#,
    r#"{"annotations": {"scheduler.alpha.kubernetes.io/tolerations": "null"}}"#,
    r#"{"annotations": {"scheduler.alpha.kubernetes.io/tolerations": "{}"}}"#,
    r#"{"annotations": {"scheduler.alpha.kubernetes.io/tolerations": "[]"}}"#,
    r#"{"annotations": {"scheduler.alpha.kubernetes.io/tolerations": "[1]"}}"#,
    r#"{"annotations": {"kubernetes.io/config.mirror": ""}}"#,
];
